"""The lake's tables: where they stand, who may write them, and what each kind of them keeps."""
