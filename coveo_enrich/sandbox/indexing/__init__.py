"""From uploaded files to items: what is taken up, what is dropped and why, and where it is kept."""
