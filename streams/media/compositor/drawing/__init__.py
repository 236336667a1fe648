"""What a compositor's picture is made of: planes, places, words, comments. Pure: no process, no Redis, no Django, no clock."""
