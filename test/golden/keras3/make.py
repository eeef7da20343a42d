"""Networks as Keras 3 and the TensorFlow.js converter write them, and their scores by Keras.

Made with Python 3.11, keras 3.15.1, tensorflow-cpu 2.21.0 and tensorflowjs 4.22.0 (installed without
its other dependencies, which are stubs here):

    python test/golden/keras3/make.py
"""

import json
import pathlib
import sys
import types

import numpy as np


class Stub(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub(name)


for module in ("tensorflow_hub", "tensorflow_decision_forests", "jax", "jax.experimental", "jax.experimental.jax2tf"):
    sys.modules[module] = Stub(module)
# The converter was written for an older NumPy.
np.object, np.bool = object, bool

import keras  # noqa: E402
from keras import layers  # noqa: E402

sys.modules["tf_keras"] = keras
from tensorflowjs.converters import keras_h5_conversion  # noqa: E402

side = 32
folder = pathlib.Path(__file__).parent


def blocks():
    image = keras.Input((side, side, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, name="stem")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(6.0)(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    y = layers.LeakyReLU(negative_slope=0.2)(y)
    x = layers.Concatenate()([layers.Add()([x, y]), y])
    x = layers.MaxPooling2D(2)(x)
    x = layers.SeparableConv2D(6, 3, activation="relu", name="separable")(x)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(5, activation="softmax", name="scores")(x))


def nested():
    base = keras.Sequential(
        [keras.Input((side, side, 1)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu")], name="base"
    )
    image = keras.Input((side, side, 1))
    pooled = layers.GlobalAveragePooling2D()(base(image))
    return keras.Model(image, layers.Dense(3, name="scores")(pooled))


def sequential():
    return keras.Sequential(
        [keras.Input((side, side, 1)), layers.Rescaling(1 / 255), layers.Conv2D(4, 5, strides=3), layers.Flatten(), layers.Dense(3)]
    )


keras.utils.set_random_seed(3)
golden = {}
for make in (blocks, nested, sequential):
    model = make()
    for weight in model.weights:
        if "moving_variance" in weight.path:
            weight.assign(np.random.rand(*weight.shape) + 0.5)
        elif "kernel" not in weight.path:
            weight.assign(np.random.randn(*weight.shape) * 0.3)
    keras_h5_conversion.save_keras_model(model, str(folder / make.__name__))
    depth = model.input_shape[-1]
    index = np.arange(2 * side * side * depth)
    images = (index * 37 % 256 * (1 + index // (side * side * depth)) % 256).reshape((2, side, side, depth))
    golden[make.__name__] = model.predict(images.astype("float32"), verbose=0).tolist()
(folder / "scores.json").write_text(json.dumps(golden, indent=1) + "\n")
