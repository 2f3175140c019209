//! The engine under one seed: fake remotes, faults, a driven clock and an oracle of its own.
