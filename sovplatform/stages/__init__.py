"""The stages of a pilot, one module each. They run in the control plane and never import each other."""
