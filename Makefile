# The commands of the README and a few others; each first makes its environment if it is missing or
# out of date.

PYTHON ?=
# asked: TensorFlow 2.15 of requirements.txt; current: TensorFlow 2.21 of requirements-current.txt.
# By default the lane of an existing VENV; for a new one the asked lane if there is a Python for it,
# else the current one.
LANE ?=
VENV = .venv
QUICKSTART = runs/quickstart

run = $(VENV)/bin/python
pip = $(run) -m pip install --disable-pip-version-check --no-input
candidates = $(or $(PYTHON),python3.11 python3.13 python3.12 python3.10 python3.9 python3 python)
# The Pythons of the lanes; sketch2img_tf/versions.py has them too.
served_asked = 3.9 to 3.11
served_current = 3.10 to 3.13
served_ = 3.9 to 3.13
# Whose python3 is one of them, and the newest of them.
systems_asked = Debian 12 and Ubuntu 22.04
systems_current = Debian 12 or 13 and Ubuntu 22.04 or 24.04
systems_ = $(systems_current)
newest_asked = 3.11
newest_current = 3.13
newest_ = $(newest_current)
wanted = $(or $(LANE),$(lane))
# What to install where none is found: $(1) is as systems_, $(2) as newest_ above.
how_to_get_python = on $(1), also in WSL on Windows, apt install python3-venv; \
  on Fedora dnf install python$(2); on macOS brew install python@$(2); \
  anywhere, with uv (docs.astral.sh/uv): uv venv --python $(2) .venv-python \
  && make PYTHON=.venv-python/bin/python \
  $(strip $(filter-out PYTHON=%,$(MAKEOVERRIDES)) $(MAKECMDGOALS))
# TensorFlow Addons has no wheels for Linux on ARM, and TensorFlow 2.21 none for Macs of Intel.
suitable = import ensurepip, platform, sys, venv; \
  ends, lacking = {"asked": (((3, 9), (3, 12)), ("linux", "aarch64")), \
                   "current": (((3, 10), (3, 14)), ("darwin", "x86_64"))}[sys.argv[1]]; \
  here = sys.platform, platform.machine(); \
  sys.exit(not ends[0] <= sys.version_info < ends[1] or here == lacking)
lane = $(shell cat $(VENV)/lane 2>/dev/null)
lane_file = $(if $(filter current,$(lane)),requirements-current.txt,requirements.txt)
# The tests of a file run in one worker, so that what they share is made once.
workers = -n 2 --dist=loadscope
# Named after the lane and a checksum of the files, and made last: it exists only if .venv is as the
# files say.
lists = requirements.txt requirements-current.txt requirements-dev.txt
sum := $(shell cat $(lists) | cksum | cut -d ' ' -f 1)
installed := $(VENV)/installed-$(or $(LANE),$(lane))-$(sum)

# The same for what drawing needs; without TensorFlow, so that newer Pythons work too.
drawing := .venv-draw/installed-$(shell cksum < requirements-draw.txt | cut -d ' ' -f 1)
draw_candidates = $(or $(PYTHON),python3.13 python3.12 python3.11 python3.10 python3.14 python3 \
  python)
draw_suitable = import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 15))
MODEL ?=

.PHONY: help draw venv-draw wheel quickstart demo web gpu beam jax test test-ci test-slow lint \
  audit venv clean

help:
	@echo 'make quickstart   generates pictures, trains a model on them and exports it, in' \
	  '$(QUICKSTART)'
	@echo 'make draw         opens a page to draw on, without TensorFlow; MODEL=... names an' \
	  'exported model'
	@echo 'make venv-draw    makes .venv-draw, which `make draw` and some tests need'
	@echo 'make wheel        makes dist/sketch2img_tf-*.whl, the drawing code and the model, for' \
	  'pip to install'
	@echo 'make demo         adds the packages of draw.py to .venv'
	@echo 'make web          downloads LiteRT.js, with npm, for the page of export.py --format=web'
	@echo 'make gpu          adds the CUDA libraries of its TensorFlow to .venv'
	@echo 'make beam         adds Apache Beam, for large collections of photos, to .venv'
	@echo 'make jax          makes .venv-jax, in which the tests of compiled_step run a step' \
	  'without TensorFlow'
	@echo 'make test         runs the fast tests'
	@echo 'make test-ci      runs the other tests of CI: whole commands, the page, several devices'
	@echo 'make test-slow    runs all tests, the slow ones too'
	@echo 'make lint         runs ruff'
	@echo 'make audit        looks up known advisories for the installed packages; needs the internet'
	@echo 'make venv         makes .venv from the pinned requirements; PYTHON=... names the Python' \
	  'to make it with,'
	@echo '                  LANE=asked takes TensorFlow 2.15 (Python 3.9 to 3.11), LANE=current' \
	  '2.21 (3.10 to 3.13)'
	@echo 'make clean        removes the quickstart, dist and caches; keeps .venv'

draw: $(drawing)
	.venv-draw/bin/python draw.py --browser $(if $(MODEL),--model=$(MODEL))

venv-draw: $(drawing)

$(drawing):
	@for python in $(draw_candidates); do \
	  if $$python -c '$(draw_suitable)' 2>/dev/null; then break; else python=; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'error: no Python 3.10 to 3.14 with venv (tried: $(draw_candidates)):' \
	    '$(call how_to_get_python,Debian 12 or later and Ubuntu 22.04 or later,3.13)'; exit 1; \
	fi >&2; \
	echo "Making .venv-draw with $$($$python -V), 0.4 GB, once:"; \
	$$python -m venv --clear .venv-draw && \
	.venv-draw/bin/python -m pip install --disable-pip-version-check --no-input --quiet \
	  -r requirements-draw.txt && \
	touch $@

# setuptools would put files of an earlier build/lib into the wheel.
wheel: $(drawing)
	rm -rf build/lib dist/sketch2img_tf-*.whl
	.venv-draw/bin/python -m pip wheel --disable-pip-version-check --no-input --quiet --no-deps \
	  --wheel-dir=dist .
	@ls dist/sketch2img_tf-*.whl

# TensorFlow Addons warns of its end of life, and Google's libraries warn of Python 3.9's.
quickstart: export PYTHONWARNINGS = ignore
quickstart: $(QUICKSTART)/sketchy
	$(run) -m datasets.sketchy.build --manual_dir=$(QUICKSTART)/sketchy --data_dir=$(QUICKSTART)/data
	$(run) train.py --flagfile=configs/quickstart.flags --manual_dir=$(QUICKSTART)/sketchy \
	  --data_dir=$(QUICKSTART)/data --workdir=$(QUICKSTART)/run
	rm -rf $(QUICKSTART)/export
	$(run) export.py --workdir=$(QUICKSTART)/run --export_dir=$(QUICKSTART)/export
	$(run) export.py --workdir=$(QUICKSTART)/run --export_dir=$(QUICKSTART)/export --format=tflite
	$(run) evaluate.py --model=$(QUICKSTART)/export --workdir=$(QUICKSTART)/run \
	  --data_dir=$(QUICKSTART)/data

# The folder appears only when it is complete, so that it can be a target; the later commands
# continue what is there.
$(QUICKSTART)/sketchy: | $(installed)
	$(run) -m datasets.miniature.build --output_dir=$@

demo gpu beam: $(installed)
	$(pip) --quiet -r $(lane_file) -r requirements-$@.txt

# npm checks the packages against the digests of package-lock.json, and export.py checks the files
# against its own.
web:
	@command -v npm > /dev/null || \
	{ echo 'error: make web needs npm (apt install npm, brew install node)' >&2; exit 1; }
	npm ci --prefix litert_js --ignore-scripts --no-audit --no-fund --silent

# In a separate environment: JAX and TensorFlow need different NumPys.
jax: $(installed)
	$(run) -m venv .venv-jax
	.venv-jax/bin/python -m pip install --disable-pip-version-check --no-input --quiet \
	  -r requirements-jax.txt

test: $(installed)
	$(run) -m pytest $(workers) -m 'not slow and not ci'

test-ci: $(installed)
	$(run) -m pytest $(workers) -m 'ci and not slow'

test-slow: $(installed)
	$(run) -m pytest $(workers)

lint: $(installed)
	$(run) -m ruff check .

# What cannot be looked up is a failure: without --strict it would be a line among others, and
# without the internet the line comes after many of a traceback.
audit: $(installed) .venv-audit/bin/pip-audit
	@site=$$($(run) -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	said=$$(.venv-audit/bin/pip-audit --strict --progress-spinner=off --path $$site 2>&1); \
	failed=$$?; case $$said in *'could not be audited'*|*Traceback*) \
	  reason=$$(echo "$$said" | tail -n 1); \
	  said="error: advisories for $(lane_file) ($$site) not looked up: $$reason";; \
	esac; \
	[ $$failed = 0 ] || exec >&2; echo "$$said"; exit $$failed

# In a separate environment: it must not change the one that it checks.
.venv-audit/bin/pip-audit: | $(installed)
	$(run) -m venv --clear .venv-audit
	.venv-audit/bin/python -m pip install --disable-pip-version-check --quiet 'pip-audit>=2.10,<3'

venv: $(installed)

clean:
	rm -rf $(QUICKSTART) build/lib dist .pytest_cache .ruff_cache .hypothesis

# Always from an empty folder: what a killed pip or older requirements left would cause errors much
# later.
$(installed):
	@case '$(LANE)' in ''|asked|current) ;; \
	  *) echo 'error: LANE=$(LANE): asked or current' >&2; exit 1;; \
	esac; \
	for lane in $(or $(LANE),$(lane),asked current) none; do \
	  for python in $(candidates); do \
	    if $$python -c '$(suitable)' $$lane 2>/dev/null; then break 2; fi; \
	  done; \
	done; \
	case $$lane in \
	  asked) lane_file=requirements.txt; what='TensorFlow 2.15, the asked lane'; \
	    why='this Python serves it';; \
	  current) lane_file=requirements-current.txt; what='TensorFlow 2.21, the current lane'; \
	    why='the asked one has no Python 3.9 to 3.11 with venv here, or no wheels';; \
	  none) echo 'error: no Python $(served_$(wanted)) with venv (tried: $(candidates)):' \
	    '$(call how_to_get_python,$(systems_$(wanted)),$(newest_$(wanted)))'; \
	    exit 1;; \
	esac >&2; \
	given='$(if $(LANE),LANE=$(LANE) was given,$(if $(lane),$(VENV) was of this lane))'; \
	echo "Making $(VENV) with $$($$python -V): $$what," \
	  "since $${given:-$$why}; 3 GB, in a few minutes"; \
	$$python -m venv --clear $(VENV) && echo $$lane > $(VENV)/lane && \
	{ $(pip) --progress-bar=off -r $$lane_file -r requirements-dev.txt \
	  && touch $(VENV)/installed-$$lane-$(sum); } | while read -r line; do case $$line in \
	    'Collecting '*) name=$${line#* }; printf '%s ' "$${name%%[!A-Za-z0-9_.-]*}";; \
	    'Installing collected '*) printf '\ninstalling them\n';; \
	  esac; done; \
	test -e $(VENV)/installed-$$lane-$(sum) || \
	{ echo 'error: $(VENV) is not complete; pip says why above, and the same command tries again' \
	  >&2; exit 1; }
