"""Numbers that the network, the training stream, the exported graphs and the Rust runtime must agree on."""

WIDTH = 85
HEIGHT = 64
CONTEXT_FRAMES = 6
RATE_HZ = 4.0
WAYPOINTS = 5
VALUES_PER_WAYPOINT = 4
MAX_DISTANCE_STEPS = 20.0
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
