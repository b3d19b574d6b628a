//go:build !noasm

#include "textflag.h"
#include "go_asm.h"

// A load that misses the cache holds its place in the processor until the line
// is there, and with it all that comes after: about 60 such loads are under way.
// PREFETCHT0 is done as soon as it is issued.

// func prefetchRecords(records []record, lines []uint32, first uint32)
TEXT ·prefetchRecords(SB), NOSPLIT, $0-52
	MOVQ records_base+0(FP), DI
	MOVQ lines_base+24(FP), SI
	MOVQ lines_len+32(FP), CX
	MOVL first+48(FP), DX
	LEAQ (SI)(CX*4), CX
	JMP  test

loop:
	MOVL       (SI), AX
	XORL       DX, AX
	SHLQ       $4, AX
	PREFETCHT0 (DI)(AX*1)
	ADDQ       $4, SI
test:
	CMPQ SI, CX
	JLT  loop
	RET

// func prefetchIDs(ids []uint32, spans []span)
TEXT ·prefetchIDs(SB), NOSPLIT, $0-48
	MOVQ ids_base+0(FP), DI
	MOVQ spans_base+24(FP), SI
	MOVQ spans_len+32(FP), CX
	LEAQ (CX)(CX*2), CX
	LEAQ (SI)(CX*4), CX
	JMP  test

loop:
	MOVL       (SI), AX
	MOVL       span_n(SI), BX
	ADDQ       AX, BX
	PREFETCHT0 (DI)(AX*4)
	PREFETCHT0 -4(DI)(BX*4)
	ADDQ       $span__size, SI
test:
	CMPQ SI, CX
	JLT  loop
	RET
