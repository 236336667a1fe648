"""What `run_media` does for jobs: claims them in the database, runs their children, writes how they do."""
