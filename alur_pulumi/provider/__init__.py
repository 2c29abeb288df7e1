"""The components for programs in TypeScript, Go, C#, Java and YAML."""
