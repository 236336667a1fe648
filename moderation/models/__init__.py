from moderation.models.measures import Ban, BanTrace, Mute, MuteAll

__all__ = ["Ban", "BanTrace", "Mute", "MuteAll"]
