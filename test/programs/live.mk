# Recipes that run side by side, and whose output is kept apart. All say the same: which ends first does not matter. Makes no file.
parts := $(addprefix part-,1 2 3 4 5 6)
all: $(parts)
	@echo built
$(parts): part-%:
	@seq 1 $*000 | sort -rn | head -n 1 | wc -l; sleep 0.0$*
	@test $$(seq 1 $*000 | wc -l) = $*000 && echo right
