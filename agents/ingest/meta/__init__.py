"""What the sources of Meta's platforms share beyond their payloads."""
