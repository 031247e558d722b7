"""What changes a cube: functions over a Context, each of which builds change sets and hands them to the store."""
