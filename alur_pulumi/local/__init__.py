"""An AWS on this machine: the emulator, its Glue job runner, and a Pulumi provider for it."""
