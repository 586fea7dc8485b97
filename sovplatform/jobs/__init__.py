"""What runs inside a region: functions that a Trainer starts as jobs, each given a JobContext."""
