// @ts-check
// The two drawings that the button needs before there is an app (Lucide, ISC).

export const BUBBLE =
  "M2.992 16.342a2 2 0 0 1 .094 1.167l-1.065 3.29a1 1 0 0 0 1.236 1.168l3.413-.998a2 2 0 0 1 1.099.092 10 10 0 1 0-4.777-4.719";
export const CROSS = "M18 6 6 18M6 6l12 12";
