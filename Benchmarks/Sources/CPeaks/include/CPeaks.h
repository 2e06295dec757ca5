// Loops that do nothing but reach the processor's limits on one core: what kernels are measured against.
#ifndef CPEAKS_H
#define CPEAKS_H
#include <stddef.h>

// Multiplies and adds in float32 in the widest vectors there are; returns the floating-point operations done.
double peak_f32(size_t iterations);
// The same with bfloat16 factors and float32 sums (AVX512_BF16); returns 0 when the processor cannot.
double peak_bf16(size_t iterations);
// Reads n floats once and returns their sum.
float peak_read(const float *x, size_t n);
#endif
