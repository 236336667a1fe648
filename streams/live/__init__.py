"""What is counted again when it is lost: viewers per room, told from gateway to gateway through Redis."""
