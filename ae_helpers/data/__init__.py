"""Where the images come from: one call, ``load("mnist")``, that always says what it found.

``loading`` looks in one place after the other, ``sources`` knows each dataset's files, ``made``
colours MNIST, ``folder`` reads the reader's own pictures, ``badges`` draws some for who has none;
``images`` is what they all return.
"""

from ae_helpers.data.badges import badge, draw_badges
from ae_helpers.data.folder import load_folder, load_picture
from ae_helpers.data.images import ImageData, check_axes, check_images, from_tensors, to_float
from ae_helpers.data.loading import NAMES, Unavailable, load
from ae_helpers.data.made import coloured
