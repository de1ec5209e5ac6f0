"""Parameter-efficient fine-tuning methods, one module each.

A new method is a module here with one `PeftMethod` in it, and a YAML of the same name under
``conf/peft``.
"""
