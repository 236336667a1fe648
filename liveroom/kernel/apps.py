from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "liveroom.kernel"
    label = "kernel"
    verbose_name = "Kernel"
