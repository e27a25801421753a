"""The Toy Encyclopedia: the site from which the demo's visitors come. It tracks nobody."""
