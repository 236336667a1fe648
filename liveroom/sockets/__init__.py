"""The socket process at the wire: Daphne and Autobahn, as viewers meet them."""
