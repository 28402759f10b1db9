"""YOLO-pose, the detector that Cranio-ID uses; it needs the extra ``yolo`` (ultralytics, AGPL-3.0)."""
