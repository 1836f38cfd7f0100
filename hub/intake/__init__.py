"""From bytes to accepted rows: archive, reading, normalising, staging, acceptance, and the way back to the sender."""
