// A speech on a create page: what of it is kept, heard without what is left out, and recorded here.
// Without these scripts its fields and buttons do it with a reload.
import "./speech/handles.js";
import "./speech/listening.js";
import "./speech/recorder.js";
