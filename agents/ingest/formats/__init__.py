"""Files and documents read as posts, whatever platform they tell of."""
