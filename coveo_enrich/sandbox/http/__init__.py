"""The server: what every call meets before Coveo answers, and the faults that stand in its way."""
