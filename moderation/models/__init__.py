from moderation.models.measures import Ban, Mute, MuteAll

__all__ = ["Ban", "Mute", "MuteAll"]
