"""The gateway: one copy of each watched stream, given to every viewer as FLV, FLV over WebSocket and HLS playlists."""
