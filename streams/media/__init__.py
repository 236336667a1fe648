"""Media jobs: what is wanted (`specs`), as an argument list (`graphs`), as a child process (`process`). Only here is ffmpeg known."""
