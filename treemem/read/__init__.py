"""What reads a cube: functions over a Context that ask the store at one moment."""
