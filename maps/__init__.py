"""Turn rows into map layers, and layers into the parts of a page. The only package that knows Folium; it knows nothing of Flask or SQL."""
