"""How the generated faces of `synthetic_faces` are drawn."""
