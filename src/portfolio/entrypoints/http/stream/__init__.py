"""The stream, over WebSocket and as server-sent events, and its entries page by page."""
