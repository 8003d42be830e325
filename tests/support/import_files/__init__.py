"""Files as exchanges and programs write them, of each header version, with what each row has to become."""
