import fc from "fast-check";

// A mutant is dead at the first counterexample; looking for a smaller one only takes time.
fc.configureGlobal({ endOnFailure: true });
