"""What is asked and answered, as JSON: one shape for the command line and for every service.

`plain` makes JSON-able data of what the verbs return. `answers` say what such data looks like, `requests` what a
service may be asked for. The models are pydantic's, so each has a JSON Schema.
"""
