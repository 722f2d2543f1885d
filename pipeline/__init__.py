"""The judgement: pure functions over values, outside `stream`; read `flow.py` first."""
