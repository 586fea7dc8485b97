"""The border: the gate, through which alone anything leaves a region, and the acceptance on the other side."""
