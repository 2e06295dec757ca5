#ifndef FSOT_CKERNELS_H
#define FSOT_CKERNELS_H
int fsot_kernels_version(void);
#endif
