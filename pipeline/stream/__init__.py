"""The only Faust code: it carries records between the topics and the pure stages, and keeps judge's state."""
