"""What Pulumi starts when a program in another language uses this repository as a package (PulumiPlugin.yaml)."""

from alur_pulumi.provider.host import main

main()
