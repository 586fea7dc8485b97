"""The provider `edge`."""
