//! Worlds, robots and a camera renderer for the demo, the tests and training data.
