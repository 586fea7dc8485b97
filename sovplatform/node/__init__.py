"""The region node: the gate, the ledger, the Workload API and the jobs of one embedded region, in one process."""
