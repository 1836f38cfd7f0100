"""Documents the office edits and files: the dossier and the joint meeting's bulletin, as Word files."""
