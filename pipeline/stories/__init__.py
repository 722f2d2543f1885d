"""Stories: near-identical mentions of one watch folded into one, and what finds them; read `dedup.py` first."""
