"""What the tool does: one public function per verb, callable as a library. Nothing here prints, prompts or exits."""
