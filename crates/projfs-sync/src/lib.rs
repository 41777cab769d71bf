//! Locks, condition variables and atomics, in one place so that a model checker can stand in for them.
