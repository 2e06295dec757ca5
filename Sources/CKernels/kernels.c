#include "CKernels.h"
int fsot_kernels_version(void) { return 1; }
